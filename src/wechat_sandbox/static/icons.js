// Line drawings of the phone page.

const LINE = 'fill="none" stroke="#181818" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"'
export const ICONS = {
  back: `<path d="M17 6l-8 8 8 8" ${LINE}/>`,
  person: `<circle cx="14" cy="9.5" r="4.5" ${LINE}/><path d="M5 23.5c.8-5 4.4-7 9-7s8.2 2 9 7z" ${LINE}/>`,
  voice: `<circle cx="14" cy="14" r="11.5" ${LINE}/><path d="M11 12.3a3 3 0 0 1 0 3.4M13.8 10.5a6 6 0 0 1 0 7M16.6 8.7a9.5 9.5 0 0 1 0 10.6" ${LINE}/>`,
  face: `<circle cx="14" cy="14" r="11.5" ${LINE}/><circle cx="10" cy="11.5" r="1.3"/><circle cx="18" cy="11.5" r="1.3"/><path d="M8.5 16.5c2.5 4.4 8.5 4.4 11 0z" ${LINE}/>`,
  plus: `<circle cx="14" cy="14" r="11.5" ${LINE}/><path d="M14 8.5v11M8.5 14h11" ${LINE}/>`,
  image: `<rect x="4" y="6" width="20" height="16" rx="2" ${LINE}/><circle cx="10" cy="11.5" r="1.8" ${LINE}/><path d="M5 20l6-5 4 3 4-4 4.5 4.5" ${LINE}/>`,
  mic: `<rect x="10.5" y="4" width="7" height="12" rx="3.5" ${LINE}/><path d="M6.5 13.5a7.5 7.5 0 0 0 15 0M14 21v3.5" ${LINE}/>`,
  video: `<rect x="3.5" y="8" width="14" height="12" rx="2" ${LINE}/><path d="M17.5 13l7-4v10l-7-4z" ${LINE}/>`,
  pin: `<path d="M14 4a7 7 0 0 0-7 7c0 5 7 13 7 13s7-8 7-13a7 7 0 0 0-7-7z" ${LINE}/><circle cx="14" cy="11" r="2.5" ${LINE}/>`,
  file: `<path d="M7.5 4h9l5 5v15h-14zM16.5 4v5h5" ${LINE}/>`,
  link: `<path d="M12 16a4 4 0 0 1 0-5.5l3-3a4 4 0 0 1 5.6 5.6L19 14.7M16 12a4 4 0 0 1 0 5.5l-3 3a4 4 0 0 1-5.6-5.6L9 13.3" ${LINE}/>`,
  keyboard: `<rect x="3" y="7" width="22" height="14" rx="2" ${LINE}/><path d="M7 11h.1M11 11h.1M15 11h.1M19 11h.1M9 17h10" ${LINE}/>`,
  menu: `<path d="M6 9h16M6 14h16M6 19h16" ${LINE}/>`,
}

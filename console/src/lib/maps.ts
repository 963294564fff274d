/** Where a place can be looked at. */

/** About where a provider's positions are shifted as Chinese law wants it, which only Chinese maps undo. */
const CHINA = { south: 18, north: 54, west: 73, east: 135 }

/** Return the address of a public map that marks the place. */
export function mapOf(latitude: number, longitude: number, label: string): string {
  const [lat, lng] = [latitude.toFixed(6), longitude.toFixed(6)]
  const inChina =
    latitude > CHINA.south &&
    latitude < CHINA.north &&
    longitude > CHINA.west &&
    longitude < CHINA.east
  if (!inChina) return `https://www.openstreetmap.org/?mlat=${lat}&mlon=${lng}#map=16/${lat}/${lng}`
  const asked = new URLSearchParams({ position: `${lng},${lat}`, name: label || `${lat}, ${lng}` })
  return `https://uri.amap.com/marker?${asked.toString()}`
}

/** The picture of a card as it is edited: one that was uploaded, by its id, else the address of one; or neither. */
export interface CardPicture {
  id: string | null
  address: string
}

/** How the phone beside the form draws it: as itself where it lies with us, else as a place for it. */
export function drawn({ id, address }: CardPicture): { hasPicture: boolean; picture?: string } {
  if (id !== null) return { hasPicture: true, picture: `/api/media/${id}` }
  return { hasPicture: address.trim() !== '' }
}

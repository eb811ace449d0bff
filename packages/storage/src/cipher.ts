/** Seals texts, so that whoever reads them elsewhere learns nothing and can change nothing. */
export interface Cipher {
  seal(text: string): string
  /** Opens what one of its keys has sealed. Throws, with one error for every reason, when none did. */
  open(sealed: string): Opened
}

/** A text, and whether the key that seals now has sealed it; otherwise it is due for sealing again. */
export interface Opened {
  readonly text: string
  readonly current: boolean
}

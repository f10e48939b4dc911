const minutes = 60_000;

export const kioskLimits = {
  /** The code that sets a tablet up: 50 bits. */
  setUpCodeChars: 10,
  setUpMs: 15 * minutes,
  /** The code of one visit: 40 bits, and nothing without the key of a kiosk. */
  ticketCodeChars: 8,
  ticketMs: 10 * minutes,
  /** How long a patient has for the form, from when the code was typed. */
  sessionMs: 30 * minutes,
  /** Codes of one account that wait at once. */
  waitingTickets: 20,
  kiosks: 1_000,
  locationChars: 64,
  codeChars: 40,
} as const;

/** The client that a kiosk's tokens name. */
export const kioskClientId = "phylax-kiosk";

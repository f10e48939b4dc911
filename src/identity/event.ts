/** One line of operational log; never PHI, a token or a key. */
export type Event = (
  name: string,
  facts?: Readonly<Record<string, string | number | boolean | null>>,
) => void;

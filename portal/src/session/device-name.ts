import { words } from "../words/en.ts";

/** What this device may be called: a coarse guess by the pointer and the width, to spare typing. */
export function guessDeviceName(): string {
  const { guess } = words.enrol;
  if (!matchMedia("(pointer: coarse)").matches) return guess.computer;
  return matchMedia("(min-width: 40rem)").matches ? guess.tablet : guess.phone;
}

import type { Day } from "#town/calendar.ts";
import { type DiceBox, diceBox } from "#town/dice.ts";
import { type Household, settleBlock } from "#town/household.ts";
import { type IdSource, idSource } from "#town/ids.ts";
import { type Colleague, staffDistrict } from "#town/staff.ts";

/** What every part of the town is drawn from. */
export interface World {
  readonly asOf: Day;
  readonly dice: DiceBox;
  readonly id: IdSource;
  blockOf(block: number): readonly Household[];
  staffOf(district: number): readonly Colleague[];
}

/** Blocks and districts kept for the neighbours that are likely asked for next. */
const blocksKept = 32;
const districtsKept = 4;

export function createWorld(seed: number, asOf: Day): World {
  const dice = diceBox(seed);
  const blockOf = remembered(blocksKept, (block) => settleBlock(dice, asOf, block));
  return {
    asOf,
    dice,
    id: idSource(seed),
    blockOf,
    staffOf: remembered(districtsKept, (district) =>
      staffDistrict({ box: dice, asOf, blockOf }, district),
    ),
  };
}

function remembered<T>(kept: number, make: (key: number) => T): (key: number) => T {
  const known = new Map<number, T>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make(key);
    if (known.size >= kept) known.clear();
    known.set(key, made);
    return made;
  };
}

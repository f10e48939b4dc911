import { importLimits } from "#cli/import/limits.ts";

export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly text: null };

/** Cuts text that arrives in parts into lines, from 1; a line that is too long comes as null. */
export interface LineCutter {
  push(part: string): readonly Line[];
  /** The last line, if the text does not end with a line break. */
  end(): readonly Line[];
}

export function createLineCutter(lineCharsMax: number = importLimits.entryBytes): LineCutter {
  let kept = "";
  let tooLong = false;
  let number = 0;
  const finish = (text: string): Line => {
    number += 1;
    const whole = kept + text;
    const long = tooLong || whole.length > lineCharsMax;
    kept = "";
    tooLong = false;
    return { number, text: long ? null : whole };
  };
  return {
    push: (part) => {
      const lines: Line[] = [];
      let from = 0;
      for (let at = part.indexOf("\n"); at !== -1; at = part.indexOf("\n", from)) {
        lines.push(finish(part.slice(from, at)));
        from = at + 1;
      }
      if (!tooLong) kept += part.slice(from);
      if (kept.length > lineCharsMax) {
        tooLong = true;
        kept = "";
      }
      return lines;
    },
    end: () => (kept === "" && !tooLong ? [] : [finish("")]),
  };
}

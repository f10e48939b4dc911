/** One measured number. Ratios are to a peer or limit measured in the same run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Holds when value ≥ floor. */
  readonly floor?: number;
  /** Holds when value ≤ ceiling. */
  readonly ceiling?: number;
  /** value divided by what the peer or limit reached in this run. */
  readonly ratio?: number;
  readonly against?: string;
}

export function holds(figure: Figure): boolean {
  const aboveFloor = figure.floor === undefined || figure.value >= figure.floor;
  const belowCeiling = figure.ceiling === undefined || figure.value <= figure.ceiling;
  return aboveFloor && belowCeiling;
}

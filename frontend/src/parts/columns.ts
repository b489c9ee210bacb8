/** A share of a limit as a bar: how much is used, and where today would stand if spent evenly. */
export interface Bullet {
  share: number;
  mark: number | null;
}

/** One column of a table: how a row's value is found, written and toned. `minor` columns are left out on narrow screens. */
export interface Column<Row> {
  name: string;
  title: string;
  value: (row: Row) => unknown;
  text?: (row: Row) => string;
  tone?: (row: Row) => "" | "good" | "bad" | "unknown" | "quiet";
  bullet?: (row: Row) => Bullet | null;
  num?: boolean;
  minor?: boolean;
}

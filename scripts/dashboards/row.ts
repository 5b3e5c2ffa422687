/** The form of the tables from which the dashboards of integrations/grafana are made. */

/** The selectors of a query: the variables of the two dashboards. */
export const OF_APPLICATION = 'job=~"$job",application="$application"';
export const OF_FLEET = 'job=~"$job"';

export interface PanelQuery {
  readonly expr: string;
  /** The name of each series, such as `{{version}} ordered`. */
  readonly legend: string;
}

export interface PanelRow {
  readonly title: string;
  /** The meaning of the panel, for a reader who has never seen it. */
  readonly description: string;
  /**
   * `lines` over time; `states` are bars of 0 and 1 over time; `numbers` are the newest values, or their
   * names if `namesOnly`; `table` has the labels of the newest series.
   */
  readonly kind: "lines" | "states" | "numbers" | "table";
  /** Grafana's name of the unit. */
  readonly unit?: string;
  /** In columns, of which there are 24. */
  readonly width: number;
  readonly queries: readonly PanelQuery[];
  /** A line that is a limit, or the number from which on a value is red. */
  readonly limit?: number;
  /** Each value is drawn on top of the others. */
  readonly isStacked?: boolean;
  /** The words for values. */
  readonly words?: Readonly<Record<string, { readonly text: string; readonly isBad: boolean }>>;
  /** The name of the series is shown, and not its value. */
  readonly namesOnly?: boolean;
  /** For a table: the labels, in their order. */
  readonly columns?: readonly string[];
}

export interface Section {
  readonly title: string;
  readonly panels: readonly PanelRow[];
}

export interface DashboardRow {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** The queries of its variables, by their names. */
  readonly variables: Readonly<Record<string, { readonly label: string; readonly query: string }>>;
  readonly sections: readonly Section[];
}

/**
 * Makes the dashboards of integrations/grafana from the tables, with Grafana's own SDK, whose types are the
 * schema. `scripts/dashboards.ts` writes them.
 */

import type * as common from "@grafana/grafana-foundation-sdk/common";
import * as commons from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as statetimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import * as table from "@grafana/grafana-foundation-sdk/table";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import { APPLICATION } from "./application.ts";
import { FLEET } from "./fleet.ts";
import type { DashboardRow, PanelQuery, PanelRow, Section } from "./row.ts";

/** The files and their text, by path. */
export function dashboardFiles(): Readonly<Record<string, string>> {
  return {
    "integrations/grafana/application.json": textOf(APPLICATION),
    "integrations/grafana/fleet.json": textOf(FLEET),
  };
}

/**
 * The schema of Grafana 10. Later ones bring an older dashboard up to date by themselves, and an older one
 * does not know a newer schema.
 */
const SCHEMA_VERSION = 38;

/** The person who imports it chooses the Prometheus. */
const SOURCE: common.DataSourceRef = { type: "prometheus", uid: "$datasource" };

const HEIGHTS: Readonly<Record<PanelRow["kind"], number>> = { lines: 8, states: 7, numbers: 4, table: 7 };

function textOf(row: DashboardRow): string {
  const built = dashboardOf(row).build();
  // Without ids, Grafana would change the file at its first save.
  const panels = built.panels?.map((panel, at) => ({ ...panel, id: at + 1 }));
  return `${JSON.stringify({ ...built, id: null, panels, schemaVersion: SCHEMA_VERSION }, null, 2)}\n`;
}

function dashboardOf({ uid, title, description, variables, sections }: DashboardRow) {
  const made = new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(["maxwells-daemon"])
    .refresh("10s")
    .time({ from: "now-1h", to: "now" })
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .withVariable(
      new dashboard.DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus"),
    );
  for (const [name, { label, query }] of Object.entries(variables)) {
    made.withVariable(
      new dashboard.QueryVariableBuilder(name)
        .label(label)
        .query(query)
        .datasource(SOURCE)
        .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
        .sort(dashboard.VariableSort.AlphabeticalAsc),
    );
  }
  for (const section of sections) withSection(made, section);
  return made;
}

function withSection(made: dashboard.DashboardBuilder, { title, panels }: Section): void {
  made.withRow(new dashboard.RowBuilder(title));
  for (const panel of panels) made.withPanel(panelOf(panel));
}

function panelOf(row: PanelRow) {
  const panel = builderOf(row)
    .title(row.title)
    .description(row.description)
    .datasource(SOURCE)
    .span(row.width)
    .height(HEIGHTS[row.kind]);
  for (const [at, query] of row.queries.entries()) panel.withTarget(queryOf(query, at, row.kind));
  if (row.unit !== undefined) panel.unit(row.unit);
  if (row.words !== undefined) panel.mappings([mappingOf(row.words)]);
  return panel;
}

function queryOf({ expr, legend }: PanelQuery, at: number, kind: PanelRow["kind"]) {
  const query = new prometheus.DataqueryBuilder()
    .refId(String.fromCharCode("A".charCodeAt(0) + at))
    .expr(expr)
    .legendFormat(legend);
  if (kind === "table") return query.instant().format(prometheus.PromQueryFormat.Table);
  return kind === "numbers" ? query.instant() : query.range();
}

function mappingOf(words: NonNullable<PanelRow["words"]>): dashboard.ValueMapping {
  const options = Object.entries(words).map(([value, { text, isBad }], index) => {
    return [value, { text, color: isBad ? "red" : "green", index }] as const;
  });
  return { type: dashboard.MappingType.ValueToText, options: Object.fromEntries(options) };
}

function builderOf(row: PanelRow) {
  switch (row.kind) {
    case "lines":
      return linesOf(row);
    case "states":
      return new statetimeline.PanelBuilder()
        .showValue(commons.VisibilityMode.Never)
        .rowHeight(0.8)
        .colorScheme(byThreshold())
        .thresholds(stepsOf(undefined));
    case "numbers":
      return new stat.PanelBuilder()
        .textMode(row.namesOnly ? commons.BigValueTextMode.Name : commons.BigValueTextMode.ValueAndName)
        .graphMode(commons.BigValueGraphMode.None)
        .reduceOptions(new commons.ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
        .colorScheme(byThreshold())
        .thresholds(stepsOf(row.limit));
    case "table":
      return new table.PanelBuilder().withTransformation({
        id: "filterFieldsByName",
        options: { include: { names: row.columns ?? [] } },
      });
  }
}

function linesOf({ limit, isStacked }: PanelRow) {
  const panel = new timeseries.PanelBuilder()
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.PaletteClassic))
    .lineWidth(1)
    .fillOpacity(isStacked ? 30 : 5)
    .showPoints(commons.VisibilityMode.Never)
    .legend(
      new commons.VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(commons.LegendDisplayMode.List)
        .placement(commons.LegendPlacement.Bottom),
    )
    .tooltip(new commons.VizTooltipOptionsBuilder().mode(commons.TooltipDisplayMode.Multi));
  if (isStacked) panel.stacking(new commons.StackingConfigBuilder().mode(commons.StackingMode.Normal));
  if (limit === undefined) return panel.min(0);
  // A value with a limit may be below 0, too.
  return panel
    .thresholds(stepsOf(limit))
    .thresholdsStyle(
      new commons.GraphThresholdsStyleConfigBuilder().mode(commons.GraphThresholdsStyleMode.Dashed),
    );
}

/** Values are red from the limit on. Without one, no value is good or bad by itself. */
function stepsOf(limit: number | undefined) {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps([
      { value: null, color: "text" },
      ...(limit === undefined ? [] : [{ value: limit, color: "red" }]),
    ]);
}

function byThreshold() {
  return new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds);
}

// The charts that views need, and no others: what of Apache ECharts is bundled into static/charts.js.
// On a canvas: its SVG sets style attributes, which the page's Content-Security-Policy forbids.
import * as core from "echarts/core";
import {
  BarChart, BoxplotChart, CustomChart, GaugeChart, HeatmapChart, LineChart, ScatterChart,
} from "echarts/charts";
import {
  AriaComponent, CalendarComponent, DataZoomInsideComponent, DatasetComponent, GridComponent,
  LegendComponent, MarkLineComponent, TooltipComponent, VisualMapComponent,
} from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

core.use([
  BarChart, BoxplotChart, CustomChart, GaugeChart, HeatmapChart, LineChart, ScatterChart,
  AriaComponent, CalendarComponent, DataZoomInsideComponent, DatasetComponent, GridComponent,
  LegendComponent, MarkLineComponent, TooltipComponent, VisualMapComponent, CanvasRenderer,
]);

globalThis.echarts = { init: core.init, getInstanceByDom: core.getInstanceByDom };

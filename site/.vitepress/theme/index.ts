import type { Theme } from "vitepress";
import DefaultTheme from "vitepress/theme";
import InteractiveGraph from "./InteractiveGraph.vue";
import "./style.css";

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component("InteractiveGraph", InteractiveGraph);
  },
} satisfies Theme;

// Starts the design system's components on every page.
import { initAll } from "./nhsuk/nhsuk-frontend.min.js";

initAll();

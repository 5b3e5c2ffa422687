/** The entry of the page. */

import { render } from "preact";
import { App } from "./app.tsx";
import { lookWho } from "./session.ts";
import { connect } from "./stream.ts";
import { followTheme } from "./theme.ts";

const place = document.getElementById("page");
if (place !== null) render(<App />, place);
followTheme();
connect();
void lookWho();

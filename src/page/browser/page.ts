/**
 * The entry of the page. It asks for the news at once, so the daemon makes the first state while the browser
 * still loads and reads the rest of the code.
 */

import { NewsStream } from "./news-stream.ts";

const stream = new NewsStream(location.search);
void import("./main.tsx").then(({ show }) => show(stream));

/** Opens a page in the browser of the desktop. */

/** Whether a browser was asked to open it. If there is none, nothing happens. */
export function openPage(url: string, env: Readonly<Record<string, string | undefined>>): boolean {
  const isMac = process.platform === "darwin";
  // Without a desktop, `xdg-open` starts a browser in this terminal.
  if (!isMac && !env["DISPLAY"] && !env["WAYLAND_DISPLAY"]) return false;
  try {
    const opener = Bun.spawn([isMac ? "open" : "xdg-open", url], {
      ...{ stdin: "ignore", stdout: "ignore", stderr: "ignore", cwd: "/", detached: true },
    });
    opener.unref();
    return true;
  } catch {
    return false;
  }
}

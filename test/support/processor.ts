/** The processor's time that this process has used. It stands still while other processes run. */

/** In milliseconds since the process began. Work costs the same, however busy the machine is. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

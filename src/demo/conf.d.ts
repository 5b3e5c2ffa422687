/** A file of a proxy's configuration, imported as text. */
declare module "*.conf" {
  const text: string;
  export default text;
}

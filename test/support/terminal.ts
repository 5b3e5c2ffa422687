/**
 * A terminal for a program: a real pseudo-terminal of the kernel, and a screen that understands the few
 * sequences that this program writes. An unknown sequence is an error.
 */

const ESCAPE = "\u001b";
const SEQUENCE = new RegExp(`^${ESCAPE}\\[(\\??)([\\d;]*)([A-Za-z])`);

export class Screen {
  readonly #rows: string[][] = [];
  #row = 0;
  #column = 0;
  isCursorVisible = true;

  /** All lines, without spaces at their ends. */
  get text(): string {
    return Array.from(this.#rows, (row = []) =>
      Array.from(row, (cell = " ") => cell)
        .join("")
        .trimEnd(),
    ).join("\n");
  }

  write(text: string): void {
    for (let rest = text; rest !== ""; ) {
      const sequence = SEQUENCE.exec(rest);
      if (sequence !== null) {
        this.#obey(sequence[3] as string, `${sequence[1]}${sequence[2]}`);
        rest = rest.slice(sequence[0].length);
        continue;
      }
      const character = String.fromCodePoint(rest.codePointAt(0) as number);
      if (character === "\n") this.#row++;
      else if (character === "\r") this.#column = 0;
      else if (character === ESCAPE)
        throw new Error(`unknown sequence: ${JSON.stringify(rest.slice(0, 12))}`);
      else this.#put(character);
      rest = rest.slice(character.length);
    }
  }

  #put(character: string): void {
    this.#rows[this.#row] ??= [];
    (this.#rows[this.#row] as string[])[this.#column++] = character;
  }

  #obey(letter: string, argument: string): void {
    switch (`${argument}${letter}`) {
      case "H":
        this.#row = 0;
        this.#column = 0;
        return;
      case "2J":
        this.#rows.length = 0;
        return;
      case "J":
        this.#rows.length = Math.min(this.#rows.length, this.#row + 1);
        this.#rows[this.#row]?.splice(this.#column);
        return;
      case "K":
        this.#rows[this.#row]?.splice(this.#column);
        return;
      case "?25h":
      case "?25l":
        this.isCursorVisible = letter === "h";
        return;
      case "?2026h":
      case "?2026l":
        return;
      default:
        if (letter !== "m") throw new Error(`unknown sequence: ${argument}${letter}`);
    }
  }
}

export interface OnTerminal extends Disposable {
  readonly screen: Screen;
  /** All bytes so far, as text. */
  readonly written: string;
  type(text: string): void;
  resize(columns: number, rows: number): void;
  readonly exited: Promise<number>;
}

export function onTerminal(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  { columns = 80, rows = 24 } = {},
): OnTerminal {
  const screen = new Screen();
  const decoder = new TextDecoder();
  let written = "";
  const child = Bun.spawn([...argv], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    terminal: {
      cols: columns,
      rows,
      data(_, bytes) {
        const text = decoder.decode(bytes, { stream: true });
        written += text;
        screen.write(text);
      },
    },
  });
  return {
    screen,
    get written() {
      return written;
    },
    type: (text) => child.terminal?.write(text),
    resize: (wide, high) => child.terminal?.resize(wide, high),
    exited: child.exited,
    [Symbol.dispose]: () => child.kill("SIGKILL"),
  };
}

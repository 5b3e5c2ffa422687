/** The list of subjects in the answer of an info. */

import { Slices } from "../../slices.ts";

/** A subject, and the number of its messages. */
const SUBJECT = /"((?:[^"\\]|\\.)*)":\d+[,}]/y;

/**
 * Adds the subjects in the answer of an info to the list, and returns the answer without them. They may take
 * a megabyte, so they are not parsed in one step.
 */
export async function withoutSubjects(text: string, subjects: string[]): Promise<string> {
  const name = '"subjects":{';
  const start = text.indexOf(name) + name.length;
  if (start < name.length) return text;
  const slices = new Slices();
  for (let at = start; ; ) {
    SUBJECT.lastIndex = at;
    const [found = "", subject = ""] = SUBJECT.exec(text) ?? [];
    if (found === "") return text;
    subjects.push(subject.includes("\\") ? (JSON.parse(`"${subject}"`) as string) : subject);
    at += found.length;
    if (found.endsWith("}")) return `${text.slice(0, start)}}${text.slice(at)}`;
    if (slices.isOver()) await slices.next();
  }
}

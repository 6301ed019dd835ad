import type { Row } from "../results.ts";
export async function pushes(_: unknown): Promise<Row[]> {
  return [];
}

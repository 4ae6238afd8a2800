// Hands leads over from TypeScript: node 18 or newer, Deno, Bun, workers; no package needed.
export type Kept = { event_id: string; run_id: string; state: string };

const pause = (ms: number) => new Promise((over) => setTimeout(over, ms));

/** Sends the same lead until it is answered: a lead that arrives twice is kept once. */
export async function handOver(lead: object, address: string, key: string, tries = 8): Promise<Kept> {
  for (let tried = 1; ; tried++) {
    const answer = await fetch(`${address}/v1/leads`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(lead),
    }).catch(() => undefined);
    if (answer?.ok) return (await answer.json()) as Kept;
    const passes = !answer || answer.status === 408 || answer.status === 429 || answer.status >= 500;
    if (!passes || tried === tries) {
      throw new Error(answer ? await answer.text() : "Leadrail did not answer");
    }
    const asked = Number(answer?.headers.get("retry-after")) * 1000;
    await pause(asked || Math.min(250 * 2 ** tried, 10_000));
  }
}

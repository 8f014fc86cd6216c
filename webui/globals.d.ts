// What scripts of others put into the page, and what the types of browsers do not know yet.

interface Plot {
  destroy(): void;
  setSize(size: { width: number; height: number }): void;
  setLegend(at: { idx: number }): void;
  readonly over: HTMLElement;
  readonly data: (number | null)[][];
}

declare var uPlot: {
  new (options: object, data: (number | null)[][], place: HTMLElement): Plot;
  tzDate(at: Date, zone: string): Date;
};

declare var trustedTypes:
  | { createPolicy(name: string, rules: { createHTML(text: string): string; createScriptURL(text: string): string }): void }
  | undefined;

declare var htmx: { ajax(method: string, address: string, options: { target: Element; swap: string }): Promise<void> } | undefined;

// A wallet in the browser (EIP-1193).
interface Ethereum {
  request(call: { method: string; params?: unknown[] }): Promise<unknown>;
}

declare var ethereum: Ethereum | undefined;

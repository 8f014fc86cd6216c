// Trusted Types: what libraries write into the page goes through here. Our server's parts of pages hold no scripts,
// frames or handlers, so whatever does came from somewhere else and stays out.
(() => {
  const { trustedTypes } = globalThis;
  if (!trustedTypes) return;
  const FORBIDDEN = /<\s*(script|iframe|frame|object|embed|base|meta|link)\b|<[^>]*\son[a-z]+\s*=|<[^>]*=\s*["']?\s*javascript:/i;
  trustedTypes.createPolicy("default", {
    createScriptURL: (text) => {
      if (text !== "/worker.js") throw new TypeError("No other script is loaded so.");
      return text;
    },
    createHTML: (text) => {
      const bare = text.replace(/"[^"]*"/g, (quoted) => (/^"\s*javascript:/i.test(quoted) ? quoted : '""'));
      if (FORBIDDEN.test(bare)) throw new TypeError("This part of a page holds what none of ours does.");
      return text;
    },
  });
})();

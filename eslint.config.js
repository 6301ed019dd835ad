import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", ".cache", "node_modules"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["test", "describe", "it", "suite"] },
          ],
        },
      ],
      eqeqeq: "error",
    },
  },
  {
    // What Node.js and Bun do differently is in src/runtime, and package.json's "imports" choose.
    files: ["src/**/*.ts"],
    ignores: ["src/runtime/*"],
    rules: {
      "no-restricted-globals": ["error", "Bun"],
      "no-restricted-imports": [
        "error",
        { patterns: ["bun", "bun:*", "**/runtime/bun*", "**/runtime/node*"] },
      ],
      "no-restricted-syntax": [
        "error",
        "MemberExpression:matches([property.name=/^(isBun|bun)$/], [property.value='bun'])",
      ],
    },
  },
);

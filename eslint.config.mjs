// Type-aware lint rules. Each rule beyond the presets has its reason beside it.
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'scripts/workbench/host/**', '**/*.mjs', '**/*.cjs', 'bin/**'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // A type-only import never loads a room at run time, so the arrows stay true in the bundle too.
      '@typescript-eslint/consistent-type-imports': 'error',
      // A forgotten promise is an error that nobody sees.
      '@typescript-eslint/no-floating-promises': 'error',
      // Numbers are what this product prints.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // An unused parameter is named with an underscore where a signature asks for it.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Every switch over a union says what it does with each member.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Index loops over typed arrays are the fast form.
      '@typescript-eslint/prefer-for-of': 'off',
      // `while (true)` with a return inside reads best in lexers and wire walkers.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      eqeqeq: 'error',
    },
  },
);

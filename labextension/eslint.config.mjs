import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['lib', 'coverage', 'src/protocol.ts', '*.mjs', 'style'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname }
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      curly: 'error',
      eqeqeq: 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'What others wrote is shown as text.' },
        { property: 'outerHTML', message: 'What others wrote is shown as text.' },
        { property: 'insertAdjacentHTML', message: 'What others wrote is shown as text.' }
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: 'What others wrote is shown as text.'
        }
      ]
    }
  }
);

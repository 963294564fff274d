import boundaries from 'eslint-plugin-boundaries'
import prettier from 'eslint-config-prettier'
import globals from 'globals'
import ts from 'typescript-eslint'
import vue from 'eslint-plugin-vue'

// Floors, top to bottom: imports only go down, and features do not import each other.
const floors = ['app', 'features', 'channels', 'realtime', 'api', 'ui', 'lib']
// What customers open stands beside the console, on the lowest floors alone.
const customers = { from: ['customer'], allow: ['customer', 'api', 'ui', 'lib'] }
const layered = floors.map((floor, index) => ({
  from: [floor],
  allow: [
    ...floors.slice(index + 1),
    ...(floor === 'features' ? [['features', { feature: '${from.feature}' }]] : [floor]),
  ],
}))

export default ts.config(
  { ignores: ['node_modules', 'dist'] },
  {
    // Generated: nothing in it is linted. Were it ignored, naming it among changed files would be a warning.
    files: ['src/api/schema.d.ts'],
    processor: { preprocess: () => [], postprocess: () => [] },
  },
  ...ts.configs.strictTypeChecked,
  ...vue.configs['flat/recommended'],
  {
    languageOptions: {
      globals: globals.browser,
      parserOptions: {
        parser: ts.parser,
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.vue'],
      },
    },
    plugins: { boundaries },
    settings: {
      'import/resolver': { typescript: { project: './tsconfig.json' } },
      'boundaries/include': ['src/**'],
      'boundaries/elements': [
        { type: 'features', pattern: 'src/features/*', capture: ['feature'] },
        ...[...floors, 'customer']
          .filter((floor) => floor !== 'features')
          .map((floor) => ({ type: floor, pattern: `src/${floor}` })),
      ],
    },
    rules: {
      'boundaries/element-types': [
        'error',
        { default: 'disallow', rules: [...layered, customers] },
      ],
      'boundaries/no-unknown': 'error',
      'max-lines': ['error', { max: 400 }],
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/unbound-method': 'off', // vue-i18n's functions need no `this`
      'vue/multi-word-component-names': 'off',
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/no-v-html': 'error',
      'vue/require-default-prop': 'off',
    },
  },
  {
    // Here the linter cannot see the types of components and their templates; vue-tsc checks them.
    files: ['**/*.vue'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/restrict-plus-operands': 'off',
    },
  },
  {
    // The edge, where JSON becomes typed, may assert; so may tests, which build partial values.
    files: ['src/api/**', 'src/**/*.test.ts'],
    rules: { '@typescript-eslint/consistent-type-assertions': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs', 'vite.config.ts'],
    ...ts.configs.disableTypeChecked,
    languageOptions: { globals: globals.node, parserOptions: { projectService: false } },
  },
  { files: ['public/*.js'], languageOptions: { globals: globals.browser, sourceType: 'script' } },
  prettier,
)

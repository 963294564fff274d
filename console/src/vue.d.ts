// For tools that read TypeScript alone; vue-tsc knows the components' real types.
declare module '*.vue' {
  import type { DefineComponent } from 'vue'

  const component: DefineComponent
  export default component
}

/** Text that stands for an object of this package where a user's value is copied; `undefined` for any other object. */
export function hideOwnObjects(value: object): string | undefined {
  return 'honeyhiveText' in value && typeof value.honeyhiveText === 'string' ? value.honeyhiveText : undefined
}

/** Forms a result can be written in. */
export const REPORT_FORMATS = ['table', 'json', 'markdown', 'junit', 'html'] as const
/** One of {@link REPORT_FORMATS}. */
export type ReportFormat = (typeof REPORT_FORMATS)[number]

/** Where the results go: a form, alone for standard output or with a file. `{name}` in the file stands for the run's name. */
export type Reporter = ReportFormat | { readonly format: ReportFormat; readonly file?: string }

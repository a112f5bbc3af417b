/** What a program is given: the import of either package. */
type Program = (sdk: never) => Promise<Record<string, unknown>>

export declare const trace: Program
export declare const evaluateRows: Program
export declare const rest: Program

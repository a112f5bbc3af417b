/** Whether the full figures are wanted: `TEST_LONG=1`, or `HH_TEST_LONG=1` where the runner lets `HH_*` through. */
export const IS_LONG: boolean = process.env.TEST_LONG === '1' || process.env.HH_TEST_LONG === '1'

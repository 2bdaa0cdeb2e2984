/** Upper bounds of histograms, seconds. For what should take milliseconds: a request, a job, a call to a gateway. */
export const CALL_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** For what may wait for its turn, for minutes when something is wrong. */
export const WAIT_SECONDS = [0.01, 0.05, 0.25, 1, 2.5, 5, 10, 30, 60, 300, 1800]

/** From money in to details out: seconds as a rule, hours when a person had to help. */
export const REVEAL_SECONDS = [0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43_200]

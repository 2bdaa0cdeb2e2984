/** Everything of the board is below it, and so is the cookie. */
export const ADMIN_PATH = '/admin'
export const BOARD_PATH = `${ADMIN_PATH}/queues`
export const SIGN_IN_PATH = `${ADMIN_PATH}/sign-in`
export const SIGN_OUT_PATH = `${ADMIN_PATH}/sign-out`

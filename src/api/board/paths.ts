/** Everything of the board is below it, and so is the cookie. */
export const ADMIN_PATH = '/admin'
export const BOARD_PATH = '/admin/queues'
export const SIGN_IN_PATH = '/admin/sign-in'
export const SIGN_OUT_PATH = '/admin/sign-out'

/** Messages of checks with a name of their own begin with it, which stands beside them already. */
export const withoutName = (check: string, message: string): string => (message.startsWith(`${check}: `) ? message.slice(check.length + 2) : message);

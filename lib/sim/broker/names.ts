/** How the machines of the broker tier are called, for plans and for those who run them. */
export const NODE_NAME = "node1";
export const PORT = 9092;
export const ADMIN_PORT = 9644;
export const clientName = (number: number): string => `client${number}`;

export function withoutComments(text: string): string
export function codeOf(text: string): string
export function withoutDocComments(text: string): string
export function lineAt(text: string, index: number): number

declare const brand: unique symbol;

/** A nominal type: only the parser in the same file as the brand may cast to it. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/* The three forms in which a key is written as text. */
#ifndef ACT_CLI_KEYS_H
#define ACT_CLI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the words of --keys. */
enum cli_keys {
    CLI_KEYS_RAW,     /* the bytes as they are */
    CLI_KEYS_ESCAPED, /* \t \n \\ and \xHH for what is not printable ASCII */
    CLI_KEYS_HEX      /* two digits a byte */
};

/* How many bytes of text one byte of a key may take. */
#define CLI_KEY_TEXT_NBYTES_MAX 4

/*
 * Writes the text of some bytes of a key, which may be cut anywhere, to `text_ret`, with room for
 * CLI_KEY_TEXT_NBYTES_MAX times as many. Returns how many bytes it wrote; there is no NUL.
 */
size_t cli_key_encode(enum cli_keys keys, const uint8_t *key, size_t key_nbytes, char *text_ret);

/*
 * Reads the text of a key. `key_ret` has room for `text_nbytes` and may be `text` itself. Returns
 * NULL and the length, or what is wrong with the text.
 */
const char *cli_key_decode(enum cli_keys keys, const char *text, size_t text_nbytes,
                           uint8_t *key_ret, size_t *key_nbytes_ret);

/* Byte order of keys: below 0, 0, above 0. */
int cli_key_compare(const void *a, size_t a_nbytes, const void *b, size_t b_nbytes);

#endif

#include "keys.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

static size_t encode_escaped(const uint8_t *key, size_t key_nbytes, char *text_ret)
{
    char *at = text_ret;
    for (size_t i = 0; i < key_nbytes; i++) {
        uint8_t byte = key[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
            *at++ = (char)byte;
            continue;
        }
        *at++ = '\\';
        if (byte == '\\') {
            *at++ = '\\';
        } else if (byte == '\t') {
            *at++ = 't';
        } else if (byte == '\n') {
            *at++ = 'n';
        } else {
            *at++ = 'x';
            *at++ = hex_digits[byte >> 4];
            *at++ = hex_digits[byte & 15];
        }
    }
    return (size_t)(at - text_ret);
}

size_t cli_key_encode(enum cli_keys keys, const uint8_t *key, size_t key_nbytes, char *text_ret)
{
    switch (keys) {
    case CLI_KEYS_ESCAPED:
        return encode_escaped(key, key_nbytes, text_ret);
    case CLI_KEYS_HEX:
        for (size_t i = 0; i < key_nbytes; i++) {
            text_ret[2 * i] = hex_digits[key[i] >> 4];
            text_ret[2 * i + 1] = hex_digits[key[i] & 15];
        }
        return 2 * key_nbytes;
    case CLI_KEYS_RAW:
        break;
    }
    if (key_nbytes)
        memcpy(text_ret, key, key_nbytes);
    return key_nbytes;
}

/* The value of a hexadecimal digit; 16 for anything else. */
static unsigned hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 16;
}

/* Reads two digits; false if they are not. */
static bool hex_byte(const char *text, uint8_t *byte_ret)
{
    unsigned high = hex_value(text[0]);
    unsigned low = hex_value(text[1]);
    if (high > 15 || low > 15)
        return false;
    *byte_ret = (uint8_t)(high << 4 | low);
    return true;
}

static const char *decode_hex(const char *text, size_t text_nbytes, uint8_t *key_ret,
                              size_t *key_nbytes_ret)
{
    if (text_nbytes % 2)
        return "an odd number of hexadecimal digits";
    for (size_t i = 0; i < text_nbytes; i += 2)
        if (!hex_byte(text + i, &key_ret[i / 2]))
            return "not hexadecimal digits";
    *key_nbytes_ret = text_nbytes / 2;
    return NULL;
}

static const char *decode_escaped(const char *text, size_t text_nbytes, uint8_t *key_ret,
                                  size_t *key_nbytes_ret)
{
    uint8_t *at = key_ret;
    for (size_t i = 0; i < text_nbytes; i++) {
        uint8_t byte = (uint8_t)text[i];
        if (byte == '\\') {
            char letter = '\0';
            if (++i < text_nbytes)
                letter = text[i];
            if (letter == '\\') {
                byte = '\\';
            } else if (letter == 't') {
                byte = '\t';
            } else if (letter == 'n') {
                byte = '\n';
            } else if (letter == 'x' && text_nbytes - i > 2 && hex_byte(text + i + 1, &byte)) {
                i += 2;
            } else {
                return "a backslash that starts none of \\t \\n \\\\ \\xHH";
            }
        }
        *at++ = byte;
    }
    *key_nbytes_ret = (size_t)(at - key_ret);
    return NULL;
}

const char *cli_key_decode(enum cli_keys keys, const char *text, size_t text_nbytes,
                           uint8_t *key_ret, size_t *key_nbytes_ret)
{
    switch (keys) {
    case CLI_KEYS_ESCAPED:
        return decode_escaped(text, text_nbytes, key_ret, key_nbytes_ret);
    case CLI_KEYS_HEX:
        return decode_hex(text, text_nbytes, key_ret, key_nbytes_ret);
    case CLI_KEYS_RAW:
        break;
    }
    if (text_nbytes)
        memmove(key_ret, text, text_nbytes);
    *key_nbytes_ret = text_nbytes;
    return NULL;
}

int cli_key_compare(const void *a, size_t a_nbytes, const void *b, size_t b_nbytes)
{
    size_t most = a_nbytes < b_nbytes ? a_nbytes : b_nbytes;
    int order = most ? memcmp(a, b, most) : 0;
    if (order)
        return order;
    return (a_nbytes > b_nbytes) - (a_nbytes < b_nbytes);
}

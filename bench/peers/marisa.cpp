/* marisa-trie: a recursive succinct trie. It holds keys only and numbers them itself, so its value
 * sums are sums of its own ids; `check` makes sure that each id leads back to its key. VARIANT is
 * the number of tries ("3" is its default; fewer are larger and faster). */
#include <marisa.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "peer.h"

namespace
{

marisa::Trie *trie;
int num_tries = MARISA_DEFAULT_NUM_TRIES;

/* Runs BODY and turns an exception into a failure. */
template <typename Body> int guarded(const char *what, Body body)
{
    try {
        body();
        return 0;
    } catch (const marisa::Exception &error) {
        return peer_fail(what, error.what());
    } catch (const std::exception &error) {
        return peer_fail(what, error.what());
    }
}

const char *next_query(const uint8_t **at, size_t *nbytes_ret)
{
    return reinterpret_cast<const char *>(keyset_next(at, nbytes_ret));
}

int marisa_build(const struct keyset *keys, const char *file, unsigned)
{
    return guarded("build", [=] {
        marisa::Keyset copy;
        marisa::Trie built;
        const uint8_t *at = keys->first;

        while (at < keys->end) {
            size_t nbytes;
            const char *key = next_query(&at, &nbytes);

            copy.push_back(key, nbytes);
        }
        built.build(copy, num_tries | MARISA_TEXT_TAIL | MARISA_WEIGHT_ORDER);
        built.save(file);
    });
}

int marisa_open(const char *file)
{
    return guarded("open", [=] {
        trie = new marisa::Trie;
        trie->mmap(file);
    });
}

void marisa_close()
{
    delete trie;
    trie = nullptr;
}

int marisa_get(const struct keyset *queries, struct answer *answer)
{
    return guarded("get", [=] {
        marisa::Agent agent;
        const uint8_t *at = queries->first;

        while (at < queries->end) {
            size_t nbytes;
            const char *key = next_query(&at, &nbytes);

            agent.set_query(key, nbytes);
            if (trie->lookup(agent)) {
                answer->nhits++;
                answer->value_sum += agent.key().id();
            }
        }
    });
}

int marisa_scan(struct answer *answer)
{
    return guarded("scan", [=] {
        marisa::Agent agent;

        agent.set_query("");
        while (trie->predictive_search(agent)) {
            answer->nhits++;
            answer->value_sum += agent.key().id();
            answer->keys_nbytes += agent.key().length();
        }
    });
}

int marisa_check(const struct keyset *queries, struct answer *answer)
{
    return guarded("check", [=] {
        marisa::Agent forward, back;
        const uint8_t *at = queries->first;

        while (at < queries->end) {
            size_t nbytes;
            const char *key = next_query(&at, &nbytes);

            forward.set_query(key, nbytes);
            if (!trie->lookup(forward))
                continue;
            back.set_query(forward.key().id());
            trie->reverse_lookup(back);
            if (back.key().length() == nbytes && std::memcmp(back.key().ptr(), key, nbytes) == 0)
                answer->nhits++;
        }
    });
}

} // namespace

int main(int argc, char **argv)
{
    if (argc > 5)
        num_tries = static_cast<int>(std::strtol(argv[5], nullptr, 10));

    bool standard = num_tries == MARISA_DEFAULT_NUM_TRIES;
    char note[128];
    std::snprintf(note, sizeof note, "keys only; %d %s, text tail, weight order", num_tries,
                  num_tries == 1 ? "trie" : "tries");
    struct engine engine = {};
    engine.name = standard ? "marisa" : "marisa-fast";
    engine.version = "marisa-trie " BENCH_MARISA_VERSION;
    engine.note = note;
    engine.keys_only = 1;
    engine.build = marisa_build;
    engine.open = marisa_open;
    engine.close = marisa_close;
    engine.get = marisa_get;
    engine.scan = marisa_scan;
    engine.check = marisa_check;
    return peer_main(argc, argv, &engine);
}

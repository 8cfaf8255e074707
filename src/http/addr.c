/* addr.c -- how many connections and streams each address holds, over all fronts; IPv6 counts by
 * /64, as one customer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "http/http_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>

void addr_table_init(struct addr_table *t)
{
    pthread_mutex_init(&t->lock, NULL);
    map_init(&t->map);
}

void addr_table_fini(struct addr_table *t)
{
    struct str key;
    void *value;
    for (size_t i = 0; map_next(&t->map, &i, &key, &value);)
        free(value);
    map_fini(&t->map);
    pthread_mutex_destroy(&t->lock);
}

/* The IPv4 address inside sa, also when it came over an IPv6 socket; NULL: there is none. */
static const void *v4_of(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        return &((const struct sockaddr_in *)sa)->sin_addr;
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)sa)->sin6_addr;
    return IN6_IS_ADDR_V4MAPPED(v6) ? v6->s6_addr + 12 : NULL;
}

static void addr_key(const struct sockaddr *sa, uint8_t key[16])
{
    const void *v4 = v4_of(sa);
    memset(key, 0, 16);
    if (v4) {
        key[10] = key[11] = 0xff;
        memcpy(key + 12, v4, 4);
    } else {
        memcpy(key, ((const struct sockaddr_in6 *)sa)->sin6_addr.s6_addr, 8);
    }
}

static struct str key_str(const uint8_t key[16])
{
    return (struct str){(const char *)key, 16};
}

void addr_text(const struct sockaddr *sa, char out[INET6_ADDRSTRLEN])
{
    const void *v4 = v4_of(sa);
    if (v4)
        inet_ntop(AF_INET, v4, out, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, out, INET6_ADDRSTRLEN);
}

struct addr *addr_take(struct addr_table *t, const struct sockaddr *sa, unsigned max)
{
    uint8_t key[16];
    addr_key(sa, key);
    pthread_mutex_lock(&t->lock);
    struct addr *a = map_get(&t->map, key_str(key));
    if (!a) {
        a = xcalloc(1, sizeof(*a));
        memcpy(a->key, key, 16);
        map_put(&t->map, key_str(key), a);
    }
    if (max && a->conns >= max)
        a = NULL;
    else
        a->conns++;
    pthread_mutex_unlock(&t->lock);
    return a;
}

void addr_release(struct addr_table *t, struct addr *a)
{
    pthread_mutex_lock(&t->lock);
    if (--a->conns == 0) {
        map_del(&t->map, key_str(a->key));
        free(a);
    }
    pthread_mutex_unlock(&t->lock);
}

bool addr_take_stream(struct addr_table *t, struct addr *a, unsigned max)
{
    pthread_mutex_lock(&t->lock);
    bool ok = !max || a->streams < max;
    a->streams += ok;
    pthread_mutex_unlock(&t->lock);
    return ok;
}

void addr_release_stream(struct addr_table *t, struct addr *a)
{
    pthread_mutex_lock(&t->lock);
    a->streams--;
    pthread_mutex_unlock(&t->lock);
}

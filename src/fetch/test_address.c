/* The block list and networks, row by row: both sides of every boundary. */
#include "unit.h"
#include "fetch/fetch_priv.h"
#include <arpa/inet.h>

static bool blocked(const char *text)
{
    unsigned char a[16];
    if (inet_pton(AF_INET, text, a) == 1)
        return fetch_address_blocked(a, 4);
    assert_int_equal(inet_pton(AF_INET6, text, a), 1);
    return fetch_address_blocked(a, 16);
}

static const char *const bad_addresses[] = {"0.0.0.0",
                                            "0.255.255.255",
                                            "10.0.0.1",
                                            "10.255.255.255",
                                            "100.64.0.1",
                                            "100.127.255.255",
                                            "127.0.0.1",
                                            "127.255.255.254",
                                            "169.254.169.254",
                                            "172.16.0.1",
                                            "172.31.255.255",
                                            "192.0.0.1",
                                            "192.0.2.9",
                                            "192.88.99.1",
                                            "192.168.0.1",
                                            "198.18.0.1",
                                            "198.19.255.255",
                                            "198.51.100.3",
                                            "203.0.113.7",
                                            "224.0.0.1",
                                            "239.255.255.255",
                                            "240.0.0.1",
                                            "255.255.255.255",
                                            "::",
                                            "::1",
                                            "::7f00:1",
                                            "::ffff:127.0.0.1",
                                            "::ffff:10.1.2.3",
                                            "::ffff:169.254.169.254",
                                            "64:ff9b::7f00:1",
                                            "64:ff9b:1::1",
                                            "100::1",
                                            "2001::1",
                                            "2001:0:53aa:64c::1",
                                            "2001:db8::1",
                                            "2002:7f00:1::1",
                                            "3fff::1",
                                            "3fff:fff::1",
                                            "5f00::1",
                                            "fc00::1",
                                            "fd12:3456::1",
                                            "fe80::1",
                                            "febf::1",
                                            "fec0::1",
                                            "ff02::1"};
static const char *const good_addresses[] = {"1.1.1.1",
                                             "8.8.8.8",
                                             "9.255.255.255",
                                             "11.0.0.0",
                                             "100.63.255.255",
                                             "100.128.0.0",
                                             "126.255.255.255",
                                             "128.0.0.1",
                                             "172.15.255.255",
                                             "172.32.0.0",
                                             "192.0.1.1",
                                             "198.17.255.255",
                                             "198.20.0.0",
                                             "203.0.114.1",
                                             "223.255.255.255",
                                             "::ffff:8.8.8.8",
                                             "2606:4700::1111",
                                             "2001:1::1",
                                             "2001:4860:4860::8888",
                                             "2003::1",
                                             "3ffe::1",
                                             "64:ff9c::1"};

static void test_block_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_addresses); i++)
        if (!blocked(bad_addresses[i]))
            fail_msg("%s is let through", bad_addresses[i]);
    for (size_t i = 0; i < COUNT_OF(good_addresses); i++)
        if (blocked(good_addresses[i]))
            fail_msg("%s is blocked", good_addresses[i]);
}

static void test_networks(void **state)
{
    (void)state;
    struct network n;
    unsigned char a[16];
    static const char *const wrong[] = {"",          "10.0.0.0/33", "10.1.2.3/8", "fd00::/129",
                                        "fd00::1/8", "localhost",   "10.0.0.0/",  "10.0.0.0/8/8",
                                        "10.0/8",    " 10.0.0.0/8", "10.0.0.0/-1"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        if (network_parse(str_of(wrong[i]), &n))
            fail_msg("%s is taken for a network", wrong[i]);
    assert_true(network_parse(STR("127.0.0.0/8"), &n));
    assert_true(host_is_address(STR("127.9.9.9"), a) && network_has(&n, a));
    assert_true(host_is_address(STR("128.0.0.0"), a) && !network_has(&n, a));
    assert_true(network_parse(STR("fd00::/8"), &n));
    assert_true(host_is_address(STR("fd77::2"), a) && network_has(&n, a));
    assert_true(host_is_address(STR("2130706433"), a) && a[12] == 127 && a[15] == 1);
    assert_true(host_is_address(STR("0x7f.1"), a) && a[12] == 127);
    assert_false(host_is_address(STR("example.com"), a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_list),
        cmocka_unit_test(test_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

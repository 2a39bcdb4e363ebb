/* The tables of scopes and permissions, and their text forms (scopes.h). Pure. */
#include "model.h"

const struct scope sim_scopes[] = {
    {"user.info.basic", PORTAL_LOGIN, true, "Read your profile picture and display name",
     "อ่านรูปโปรไฟล์และชื่อที่แสดงของท่าน"},
    {"user.info.profile", PORTAL_LOGIN, false, "Read your username, bio and profile link",
     "อ่านชื่อผู้ใช้ ข้อความแนะนำตัว และลิงก์โปรไฟล์ของท่าน"},
    {"user.info.stats", PORTAL_LOGIN, false, "Read how many followers, likes and videos you have",
     "อ่านจำนวนผู้ติดตาม การกดถูกใจ และวิดีโอของท่าน"},
    {"video.list", PORTAL_LOGIN, false, "Read your public videos", "อ่านวิดีโอสาธารณะของท่าน"},
    {"video.upload", PORTAL_LOGIN, false, "Put video drafts into your inbox",
     "ส่งวิดีโอฉบับร่างเข้ากล่องข้อความของท่าน"},
    {"video.publish", PORTAL_LOGIN, false, "Publish videos to your account", "เผยแพร่วิดีโอในบัญชีของท่าน"},
    {"user.info.username", PORTAL_BUSINESS, false, "Read your username", "อ่านชื่อผู้ใช้ของท่าน"},
    {"user.account.type", PORTAL_BUSINESS, false, "Read the type of your account", "อ่านประเภทบัญชีของท่าน"},
    {"user.insights", PORTAL_BUSINESS, false, "Read insights about your account", "อ่านข้อมูลเชิงลึกของบัญชีของท่าน"},
    {"video.insights", PORTAL_BUSINESS, false, "Read insights about your videos",
     "อ่านข้อมูลเชิงลึกของวิดีโอของท่าน"},
    {"comment.list", PORTAL_BUSINESS, false, "Read the comments on your videos", "อ่านความคิดเห็นใต้วิดีโอของท่าน"},
    {"comment.list.manage", PORTAL_BUSINESS, false, "Answer and hide comments on your videos",
     "ตอบและซ่อนความคิดเห็นใต้วิดีโอของท่าน"},
    {"message.list.read", PORTAL_BUSINESS, false, "Read your direct messages", "อ่านข้อความส่วนตัวของท่าน"},
    {"message.list.send", PORTAL_BUSINESS, false, "Send direct messages as you", "ส่งข้อความส่วนตัวในนามของท่าน"},
    {"message.list.manage", PORTAL_BUSINESS, false, "Manage your inbox", "จัดการกล่องข้อความของท่าน"},
    {"biz.spark.auth", PORTAL_BUSINESS, false, "Use your videos in advertisements", "ใช้วิดีโอของท่านในโฆษณา"},
    {"biz.brand.insights", PORTAL_BUSINESS, false, "Read who mentions your brand", "อ่านการกล่าวถึงแบรนด์ของท่าน"},
    {"biz.ads.recommend", PORTAL_BUSINESS, false, "Recommend your videos for advertisements",
     "แนะนำวิดีโอของท่านสำหรับโฆษณา"},
    {"biz.creator.info", PORTAL_BUSINESS, false, "Read your creator profile", "อ่านโปรไฟล์ครีเอเตอร์ของท่าน"},
    {"biz.creator.insights", PORTAL_BUSINESS, false, "Read your creator insights",
     "อ่านข้อมูลเชิงลึกด้านครีเอเตอร์ของท่าน"},
    {"tcm.order.update", PORTAL_BUSINESS, false, "Update your Creator Marketplace orders",
     "ปรับปรุงคำสั่งซื้อของท่านใน Creator Marketplace"},
};
const size_t sim_scopes_n = COUNT_OF(sim_scopes);

/* 4 and 15 occur in captured answers; which number means which permission is nowhere published. */
const struct ads_right sim_permissions[] = {
    {4, "Read the information of your ad accounts", "อ่านข้อมูลบัญชีโฆษณาของท่าน"},
    {5, "Read and manage campaigns, ad groups and ads", "อ่านและจัดการแคมเปญ กลุ่มโฆษณา และโฆษณา"},
    {6, "Manage audiences", "จัดการกลุ่มเป้าหมาย"},
    {7, "Read reports", "อ่านรายงาน"},
    {9, "Manage creatives and instant pages", "จัดการชิ้นงานและหน้าเพจทันที"},
    {15, "Retrieve leads", "ดึงข้อมูลลูกค้าเป้าหมาย"},
    {17, "Read CRM event sets", "อ่านชุดเหตุการณ์ CRM"},
    {18, "Report conversion events", "รายงานเหตุการณ์คอนเวอร์ชัน"},
    {20, "Read and moderate ad comments", "อ่านและดูแลความคิดเห็นใต้โฆษณา"},
};
const size_t sim_permissions_n = COUNT_OF(sim_permissions);

static bool scope_known(str name, uint32_t *bit)
{
    for (size_t i = 0; i < sim_scopes_n; i++) {
        if (str_eq(str_of(sim_scopes[i].name), name)) {
            *bit = 1U << i;
            return true;
        }
    }
    return false;
}

bool scopes_parse(str list, uint32_t *bits)
{
    bool good = true;
    uint32_t bit;
    *bits = 0;
    str rest = list, head = STR_NONE;
    while (str_cut(&rest, ',', &head)) {
        if (scope_known(head, &bit))
            *bits |= bit;
        else
            good = false;
    }
    return good;
}

void scopes_put(struct buf *b, uint32_t bits)
{
    bool first = true;
    for (size_t i = 0; i < sim_scopes_n; i++) {
        if ((bits & 1U << i) == 0)
            continue;
        if (!first)
            buf_put_c(b, ',');
        first = false;
        buf_put(b, str_of(sim_scopes[i].name));
    }
}

uint32_t scope_bit(const char *name)
{
    uint32_t bit = 0;
    must(scope_known(str_of(name), &bit));
    return bit;
}

/* ---- permissions of the ads portal ---- */

bool permissions_parse(str list, uint32_t *bits)
{
    bool good = true;
    str rest = list, head = STR_NONE;
    *bits = 0;
    while (str_cut(&rest, ',', &head)) {
        int64_t id = -1;
        bool known = false;
        for (size_t i = 0; str_to_i64(head, &id) && i < sim_permissions_n; i++) {
            if (sim_permissions[i].id == id) {
                *bits |= 1U << i;
                known = true;
            }
        }
        good = good && known;
    }
    return good;
}

void permissions_put(struct buf *b, uint32_t bits)
{
    bool first = true;
    for (size_t i = 0; i < sim_permissions_n; i++) {
        if ((bits & 1U << i) == 0)
            continue;
        buf_fmt(b, "%s%lld", first ? "" : ",", (long long)sim_permissions[i].id);
        first = false;
    }
}

bool rights_parse(const struct app *a, str list, uint32_t *bits)
{
    return a->portal == PORTAL_ADS ? permissions_parse(list, bits) : scopes_parse(list, bits);
}

void rights_put(const struct app *a, struct buf *b, uint32_t bits)
{
    if (a->portal == PORTAL_ADS)
        permissions_put(b, bits);
    else
        scopes_put(b, bits);
}

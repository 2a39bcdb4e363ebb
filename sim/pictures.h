/* Links of the simulated CDN and the made videos (avatar.c, video.c). Included by sim.h. */
#ifndef SIM_PICTURES_H
#define SIM_PICTURES_H
#include "sim.h"

void avatar_url(struct sim *s, const struct user *u, unsigned side, struct buf *b);
void cover_url(struct sim *s, const struct user *u, int64_t video, struct buf *b);
/* A sticker (signed, expires) or an emoji (lasting) of that name. */
void cdn_picture_url(struct sim *s, bool lasting, str name, int64_t life_s, struct buf *b);
void cdn_draw(str seed, struct buf *b); /* a PNG of 360 pixels */
int64_t video_id(const struct sim *s, const struct user *u, int64_t index);
int64_t video_created_s(int64_t index);
#endif

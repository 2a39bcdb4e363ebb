/* points: where a test may kill the process or make an outcome fail (builds with -Dplant=true). Each row says
 * what stands between it and its neighbours; the object is the grant's id.
 */
#include "accounts/accounts_priv.h"

const struct failpoint accounts_points[POINTS] = {
    [P_LEASE_TAKEN] = {"refresh.lease_taken", "Lease, fence and intent are durable; no call was begun."},
    [P_CALLED] = {"refresh.called", "Just before TikTok is called."},
    [P_ANSWERED] = {"refresh.answered", "A good answer is in memory; nothing of it is stored."},
    [P_COMMIT] = {"refresh.commit", "The new pair's write: error fails it before, unsure hides a done one."},
    [P_STORED] = {"refresh.stored", "The new pair is durable."},
    [P_REFUSED] = {"refresh.refused", "TikTok called the grant dead; it is not recorded yet."},
    [P_UNSURE_FOUND] = {"unsure.found", "A lease that ran out with an intent was found."},
    [P_UNSURE_PROBED] = {"unsure.probed", "The old token was tried again; the outcome is not recorded yet."},
    [P_REVOKE_TOLD] = {"revoke.told", "TikTok confirmed the end; the ciphertext is still there."},
    [P_REVOKE_WIPED] = {"revoke.wiped", "The ciphertext is gone."},
};

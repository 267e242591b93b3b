"""log p(x) of parallel-wavenet, from its checkpoint."""

from blocks import before, in_order, shift_and_log_scale, standard_logistic
from wavenet import wavenet


def log_prob(file, x, c=None):
    part, x, log_det = before(file, x, with_logit=False)
    sizes = file.sizes
    for k in reversed(range(len(sizes["cycles"]))):
        flow = part.at(f"flows.{k}")
        assert flow.constant("reads") == "latents"
        net = lambda z: shift_and_log_scale(flow, wavenet(flow.at("net"), z, sizes["channels"], sizes["skip"], c))
        x, more = in_order(x, net)
        log_det = log_det + more
    return x, standard_logistic(x) + log_det

"""log p(x) of gaussianization over rows and over images, from its checkpoint."""

import torch

from blocks import before, kernel_marginal, reflect, standard_normal


def rotate(part, x, patches):
    v = part["v"]
    if patches is None:
        return reflect(v[0], x)
    (channels, height, width), side = patches["image"], patches["side"]
    down, right = (int(shift) for shift in part.constant("shift"))
    at, turned = torch.arange(x.shape[1]).reshape(channels, height, width), x.clone()
    corners = [(top, left) for top in range(0, height, side) for left in range(0, width, side)]
    for g, (top, left) in enumerate(corners):
        rows = [(top + y + down) % height for y in range(side)]
        columns = [(left + x + right) % width for x in range(side)]
        place = at[:, rows][:, :, columns].flatten()
        turned[:, place] = reflect(v[0 if patches["shared"] else g], x[:, place])
    return turned


def log_prob(file, x, c=None):
    part, x, log_det = before(file, x, with_logit=True)
    for i in range(file.sizes["layers"]):
        if i > 0:
            x = rotate(part.at(f"layers.{2 * i - 1}"), x, file.sizes["patches"])
        x, more = kernel_marginal(part.at(f"layers.{2 * i}"), x)
        log_det = log_det + more
    return x, standard_normal(x) + log_det

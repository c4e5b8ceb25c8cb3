"""Networks of torch: modules and their files, nothing of training."""

from .cess_vae import CESSVAE
from .property_mlp import PropertyMLP
from .resnet import ResNet
from .resnet_vae import ResNetVAE
from .texture_decoder import TextureDecoder
from .texture_vae import TextureVAE
from .vgg import VGG16, VGG19

__all__ = ["CESSVAE", "VGG16", "VGG19", "PropertyMLP", "ResNet", "ResNetVAE", "TextureDecoder", "TextureVAE"]
